# @summary How much of the monitoring machine each engine may take, from the hosting spec alone.
#
# A container sees its host's memory, and a machine must be the same machine wherever it runs: so no fact is read here.
# The limits add up to more than the machine has. They stop one engine from taking it all; they reserve nothing.
#
# @param vcpus
#   Virtual CPUs of the hosting spec.
# @param memory_mib
#   Memory of the hosting spec.
# @param disk_gib
#   Disk of the hosting spec.
#
# @return What the profiles of the monitor set, with units in the names.
function profile::monitor::budget(Integer[1] $vcpus, Integer[64] $memory_mib, Integer[4] $disk_gib) >> Hash[String, Integer] {
  # A reload holds two copies of the configuration in memory; a hostile agent may send one very large message.
  $icinga2 = max(384, $memory_mib * 30 / 100)
  $valkey_data = max(96, $memory_mib * 10 / 100)
  # A worker that has rendered the big lists holds about 50 MiB, the shared opcode cache aside.
  $php_workers = min(max(3, $memory_mib * 20 / 100 / 64), 8 * $vcpus)
  $budget = {
    'icinga2_max_mib'         => $icinga2,
    'icinga2_tasks'           => 512 + 256 * $vcpus,
    'icingadb_max_mib'        => max(192, $memory_mib * 15 / 100),
    'valkey_data_mib'         => $valkey_data,
    # Saving to disk copies the pages that change meanwhile.
    'valkey_max_mib'          => $valkey_data * 2 + 32,
    'postgresql_shared_mib'   => max(64, $memory_mib * 125 / 1000),
    'postgresql_cache_mib'    => max(128, $memory_mib * 40 / 100),
    'postgresql_max_mib'      => max(384, $memory_mib * 40 / 100),
    'postgresql_wal_mib'      => min(1024, $disk_gib * 1024 * 5 / 100),
    # Icinga DB opens up to 16, each PHP worker two, and some stay free for a person.
    'postgresql_connections'  => 16 + 2 * $php_workers + 8,
    'php_workers'             => $php_workers,
    'php_max_mib'             => $php_workers * 64 + 128,
    'web_workers'             => $vcpus,
    'web_max_mib'             => 128,
    'tor_max_mib'             => max(128, $memory_mib * 10 / 100),
    'mail_max_mib'            => 128,
    'journal_max_mib'         => min(512, $disk_gib * 1024 * 3 / 100),
  }
  $budget
}
