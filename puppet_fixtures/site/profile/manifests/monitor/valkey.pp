# @summary Valkey, through which Icinga 2 hands states and history to Icinga DB.
#
# @param password
#   Password that all its clients give.
class profile::monitor::valkey (
  Sensitive[String[1]] $password = lookup('secrets::redis'),
) {
  $budget = $profile::monitor::budget

  file { '/etc/valkey/valkey.conf':
    ensure    => file,
    owner     => 'root',
    group     => 'valkey',
    mode      => '0640',
    show_diff => false,
    backup    => false,
    content   => epp('profile/monitor/valkey.conf.epp', { 'password' => $password, 'data_mib' => $budget['valkey_data_mib'] }),
    notify    => Service['valkey-server'],
  }
  profile::monitor::unit { 'valkey-server':
    settings => {
      'MemoryMax'      => "${budget['valkey_max_mib']}M",
      'RestartSec'     => '1s',
      # Packaged as 0: a dump that takes longer than nothing would be cut off.
      'TimeoutStopSec' => '60s',
    },
    notify   => Service['valkey-server'],
  }
  service { 'valkey-server':
    ensure => running,
    enable => true,
  }
}
