# Hiera's path has this fact in it: with steps upwards, a node would read other nodes' data.
unless $facts.dig('os', 'distro', 'codename') =~ Pattern[/\A[a-z]+(\/sid)?\z/] {
  fail("${trusted['certname']} says that it runs a Debian release that is none")
}

# A node is what the lab's data says it is, never what it says of itself.
$role = lookup('role', { 'default_value' => undef })
unless $role =~ Pattern[/\A[a-z][a-z0-9_]*\z/] {
  fail("${trusted['certname']} is no node of this lab: no role in its data under /etc/puppet/lab/nodes")
}
include "role::${role}"

# A simulated host may be given more services than its role has, for a measurement.
if lookup('lab::pushed_services', { 'default_value' => undef }) {
  include profile::synthetic_checks
}
