# @summary The objects of one host.
function packaged::host(String $certname, Optional[String] $address, Optional[String] $role) >> String {
  $host = monitoring::quote($certname)
  $where = $address ? {
    undef   => '',
    default => "  address = ${monitoring::quote($address)}\n",
  }
  $what = $role ? {
    undef   => '',
    default => "  vars.role = ${monitoring::quote($role)}\n",
  }
  @("CONF"/L)
    object Endpoint ${host} {
      log_duration = 0
    }

    object Zone ${host} {
      endpoints = [ ${host} ]
      parent = "master"
    }

    object Host ${host} {
      import "generic-host"
      zone = "master"
      check_command = "hostalive"
    ${where}${what}}
    | CONF
}
