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
    content   => Sensitive(epp('profile/monitor/valkey.conf.epp', { 'password' => $password, 'data_mib' => $budget['valkey_data_mib'] })),
    notify    => Service['valkey-server'],
  }
  systemd::dropin_file { 'valkey-server':
    unit     => 'valkey-server.service',
    filename => 'watchpost.conf',
    content  => epp('profile/monitor/units/valkey-server.conf.epp', { 'memory_mib' => $budget['valkey_max_mib'] }),
    notify   => Service['valkey-server'],
  }
  service { 'valkey-server':
    ensure => running,
    enable => true,
  }
}
