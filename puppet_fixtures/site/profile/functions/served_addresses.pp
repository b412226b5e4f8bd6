# @summary The addresses on which this node offers the service of a role, for daemons that must not take all of them.
#
# @param role
#   Name of the role.
# @return Addresses of the lab, in the order of the hosts' names.
function profile::served_addresses(Pattern[/\A[a-z][a-z0-9_]*\z/] $role) >> Array[String[1]] {
  $hosts = lookup('lab::hosts', { 'default_value' => {} })
  if lookup('role') == 'fleet' {
    $prefix = "${regsubst($role, '_', '-', 'G')}-"
    $served = $hosts.filter |$name, $address| { $name[0, size($prefix)] == $prefix }
    sort(keys($served)).map |$name| { $served[$name] }
  } else {
    [$hosts[$trusted['certname']]].filter |$address| { $address }
  }
}
