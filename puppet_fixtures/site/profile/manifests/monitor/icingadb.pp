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
    content   => Sensitive(epp('profile/monitor/icingadb.yml.epp', {
        'database_password' => $database_password,
        'redis_password'    => $redis_password,
        'history_days'      => $history_days,
    })),
    notify    => Service['icingadb'],
  }
  systemd::dropin_file { 'icingadb':
    unit     => 'icingadb.service',
    filename => 'watchpost.conf',
    content  => epp('profile/monitor/units/icingadb.conf.epp', { 'memory_mib' => $profile::monitor::budget['icingadb_max_mib'] }),
    notify   => Service['icingadb'],
  }
  service { 'icingadb':
    ensure => running,
    enable => true,
  }
}
