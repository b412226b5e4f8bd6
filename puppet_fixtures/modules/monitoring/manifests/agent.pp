# @summary The directory from which the node's own Icinga 2 agent reads its services.
#
# The agent itself (package, API listener, endpoints) belongs to the agent's profile; this class notifies it where it is there.
class monitoring::agent {
  file { $monitoring::directory:
    ensure  => directory,
    owner   => 'root',
    group   => 'root',
    mode    => '0755',
    recurse => true,
    purge   => true,
    force   => true,
  }
}
