# @summary Icinga DB: carries states and history from Valkey into PostgreSQL.
#
# @param database_password
#   Password of its role.
# @param redis_password
#   Password of Valkey.
# @param history_days
#   How long history is kept.
class profile::monitor::icingadb (
  Sensitive[String[1]] $database_password = lookup('secrets::icingadb_db'),
  Sensitive[String[1]] $redis_password = lookup('secrets::redis'),
  Integer[1] $history_days = 365,
) {
  file { '/etc/icingadb/config.yml':
    ensure    => file,
    owner     => 'root',
    group     => 'icingadb',
    mode      => '0640',
    show_diff => false,
    backup    => false,
    content   => epp('profile/monitor/icingadb.yml.epp', {
        'database_password' => $database_password,
        'redis_password'    => $redis_password,
        'history_days'      => $history_days,
    }),
    notify    => Service['icingadb'],
  }
  profile::monitor::unit { 'icingadb':
    # It gives up when the database stays away for some minutes, and must come back by itself when the database does.
    unit_settings => { 'StartLimitIntervalSec' => 0, 'After' => 'valkey-server.service postgresql@17-main.service' },
    settings      => {
      'MemoryMax'               => "${profile::monitor::budget['icingadb_max_mib']}M",
      'Restart'                 => 'always',
      'RestartSec'              => '5s',
      'TimeoutStartSec'         => '10min',
      'CapabilityBoundingSet'   => '',
      'LockPersonality'         => 'yes',
      'NoNewPrivileges'         => 'yes',
      'PrivateDevices'          => 'yes',
      'PrivateTmp'              => 'yes',
      'ProtectHome'             => 'yes',
      'ProtectKernelTunables'   => 'yes',
      'ProtectSystem'           => 'strict',
      'RestrictAddressFamilies' => 'AF_UNIX AF_INET AF_INET6',
      'RestrictSUIDSGID'        => 'yes',
      'SystemCallArchitectures' => 'native',
    },
    notify        => Service['icingadb'],
  }
  service { 'icingadb':
    ensure => running,
    enable => true,
  }
}
