# @summary A check as other nodes export it. Realised on the monitor it writes a file; a query reads its parameters only.
#
# @param host
#   The exporting node's certname.
# @param service
#   The title of its monitoring::check.
# @param command
#   The check command.
# @param runs_on
#   Who starts the plugin.
# @param priority
#   How much it matters.
# @param interval_s
#   Seconds between two checks.
# @param retry_s
#   Seconds until the next try after a failure.
# @param attempts
#   How many failures in a row raise an alert.
# @param often
#   How many failures in a window raise an alert.
# @param vars
#   Variables of the check command.
define monitoring::collected::service (
  Monitoring::Certname $host,
  Monitoring::Name $service,
  Monitoring::Command $command,
  Monitoring::Runs_on $runs_on,
  Monitoring::Priority $priority,
  Integer[1, 604800] $interval_s,
  Integer[1, 604800] $retry_s,
  Integer[1, 100] $attempts,
  Monitoring::Variables $vars,
  Optional[Monitoring::Often] $often = undef,
) {
  include monitoring::collector

  file { "${monitoring::collector::directory}/${host}/${service}.service.conf":
    ensure  => file,
    owner   => 'root',
    group   => 'root',
    mode    => '0644',
    content => monitoring::render_service({
        'host'       => $host,
        'service'    => $service,
        'command'    => $command,
        'runs_on'    => $runs_on,
        'priority'   => $priority,
        'interval_s' => $interval_s,
        'retry_s'    => $retry_s,
        'attempts'   => $attempts,
        'often'      => $often,
        'vars'       => $vars,
    }),
  }
}
