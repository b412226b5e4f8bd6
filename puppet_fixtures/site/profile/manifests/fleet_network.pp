# @summary Kernel settings of the machine with many addresses.
#
# Daemons that take single addresses may start before the harness has added them all, or be told of hosts that come later.
class profile::fleet_network {
  $settings = '/etc/sysctl.d/60-fleet.conf'

  file { $settings:
    ensure  => file,
    owner   => 'root',
    group   => 'root',
    mode    => '0644',
    content => "net.ipv4.ip_nonlocal_bind = 1\nnet.core.somaxconn = 4096\n",
  }
  ~> exec { 'apply the settings of the fleet':
    command     => ['/usr/sbin/sysctl', '--quiet', '--load', $settings],
    refreshonly => true,
  }
}
