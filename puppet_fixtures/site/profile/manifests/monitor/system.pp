# @summary What the engines need of the system: kernel settings, a bounded journal, the right time.
class profile::monitor::system {
  $container = $facts['virtual'] == 'systemd_nspawn'

  # Plugins ping as the unprivileged user nagios, without file capabilities.
  $for_network = { 'net.ipv4.ping_group_range' => '0 2147483647' }
  # Valkey forks to save. A container can not set it: there it is the host's business.
  $for_memory = { 'vm.overcommit_memory' => '1' }
  $kernel = $container ? {
    true    => $for_network,
    default => $for_network + $for_memory,
  }
  file { '/etc/sysctl.d/50-watchpost.conf':
    ensure  => file,
    owner   => 'root',
    group   => 'root',
    mode    => '0644',
    content => $kernel.map |$name, $value| { "${name} = ${value}\n" }.join,
  }
  ~> exec { 'set kernel parameters':
    command     => '/usr/sbin/sysctl --quiet --load=/etc/sysctl.d/50-watchpost.conf',
    refreshonly => true,
  }

  # Has the journal's service.
  include systemd
  file {
    default:
      owner => 'root',
      group => 'root',
      ;
    '/etc/systemd/journald.conf.d':
      ensure => directory,
      mode   => '0755',
      ;
    '/etc/systemd/journald.conf.d/watchpost.conf':
      ensure  => file,
      mode    => '0644',
      content => "# Managed by Puppet.\n[Journal]\nSystemMaxUse=${profile::monitor::budget['journal_max_mib']}M\nRuntimeMaxUse=32M\n",
      ;
  }
  ~> Service['systemd-journald']

  # A container has its host's clock, and the unit's own conditions keep it from starting there.
  $time_sync = $container ? {
    true    => undef,
    default => running,
  }
  service { 'systemd-timesyncd':
    ensure => $time_sync,
    enable => true,
  }
}
