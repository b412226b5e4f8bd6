# @summary Exports this node as a host to be monitored.
#
# The identity is the certname that the Puppet server verified, never a fact. The address is the lab's; a node that the lab's data does
# not know may name its own address, if it is one. A node can so misdirect only the checks of itself.
#
# @param address
#   Where the monitor reaches this host.
class monitoring::host (
  Optional[Monitoring::Address] $address = undef,
) {
  $certname = $trusted['certname']
  $known = lookup('lab::hosts', { 'default_value' => {} })[$certname]
  $own = $facts.dig('networking', 'ip')
  $chosen = [$address, $known, $own].filter |$it| { $it =~ Monitoring::Address }

  @@monitoring::collected::host { $certname:
    host    => $certname,
    address => $chosen[0],
    role    => lookup('role', { 'default_value' => undef }),
    tag     => 'monitoring',
  }
}
