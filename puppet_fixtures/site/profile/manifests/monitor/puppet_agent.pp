# @summary The node's own Puppet agent.
#
# The harness starts its runs, so that they can be timed; no service or timer does.
#
# @param server
#   Name of the Puppet server.
class profile::monitor::puppet_agent (
  Pattern[/\A[a-z0-9.-]+\z/] $server = "puppet.${profile::monitor::domain}",
) {
  file { '/etc/puppet/puppet.conf':
    ensure  => file,
    owner   => 'root',
    group   => 'root',
    mode    => '0644',
    content => epp('profile/monitor/puppet.conf.epp', { 'certname' => $trusted['certname'], 'server' => $server }),
  }
  service { 'puppet':
    ensure => stopped,
    enable => false,
  }
}
