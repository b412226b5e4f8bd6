# @summary The node's own Puppet agent.
#
# The harness starts its runs, so that they can be timed; no service or timer does.
#
# @param server
#   Name of the Puppet server.
# @param code_environment
#   The environment it compiles this node from: the one that the run was started with.
class profile::puppet_agent (
  Pattern[/\A[a-z0-9.-]+\z/] $server = lookup('lab::puppet_server'),
  Pattern[/\A[a-z0-9_]+\z/] $code_environment = $environment,
) {
  file { '/etc/puppet/puppet.conf':
    ensure  => file,
    owner   => 'root',
    group   => 'root',
    mode    => '0644',
    content => epp('profile/puppet.conf.epp', {
        'certname'    => $trusted['certname'],
        'server'      => $server,
        'environment' => $code_environment,
    }),
  }
  service { 'puppet':
    ensure => stopped,
    enable => false,
  }
}
