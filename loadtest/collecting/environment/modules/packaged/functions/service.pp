# @summary The object of one check.
function packaged::service(String $certname, Hash $service) >> String {
  $host = monitoring::quote($certname)
  $command = monitoring::quote($service['command'])
  $silence = monitoring::quote(($service['interval_s'] * 5 + 1) / 2)
  $vars = $service['vars'].reduce('') |$all, $pair| { "${all}  vars.${pair[0]} = ${monitoring::quote($pair[1])}\n" }
  $checked = $service['runs_on'] ? {
    'agent' => "  check_command = \"passive-only\"\n  command_endpoint = ${host}\n  check_interval = ${silence}\n  retry_interval = ${silence}\n  vars.command = ${command}\n",
    default => "  check_command = ${command}\n  check_interval = ${monitoring::quote($service['interval_s'])}\n  retry_interval = ${monitoring::quote($service['retry_s'])}\n${vars}",
  }
  @("CONF"/L)
    object Service ${monitoring::quote($service['service'])} {
      import "generic-service"
      host_name = ${host}
      zone = "master"
    ${checked}  max_check_attempts = ${monitoring::quote($service['attempts'])}
      vars.priority = ${monitoring::quote($service['priority'])}
      vars.runs_on = ${monitoring::quote($service['runs_on'])}
    }
    | CONF
}
