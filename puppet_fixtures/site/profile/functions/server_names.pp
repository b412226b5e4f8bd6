# @summary The names under which this node offers the service of a role.
#
# A machine with that role has its own name. The fleet stands in for every simulated host of the role, however many there are, so it
# answers to all names of that shape.
#
# @param role
#   Name of the role.
# @return Server names for nginx.
function profile::server_names(Pattern[/\A[a-z][a-z0-9_]*\z/] $role) >> Array[String[1]] {
  if lookup('role') == 'fleet' {
    $domain = regsubst(lookup('lab::domain'), '[.]', '\\.', 'G')
    ["~^${regsubst($role, '_', '-', 'G')}-[0-9]+\\.${domain}$"]
  } else {
    [$trusted['certname']]
  }
}
