# @summary Declares how a service is monitored, in the class that manages the service.
#
# One declaration serves both ends. A check that `runs_on` the agent becomes a service of the agent's own configuration, which the agent schedules
# itself; the monitor's object for it is passive and only notices silence. A check that runs on the monitor becomes an active check there.
#
# @example The service's class says what has to be true of it
#   monitoring::check { 'rsync':
#     command  => 'rsync_dirs',
#     runs_on  => 'monitor',
#     priority => 'critical',
#     vars     => { 'rsync_dirs' => ['archive/stable', 'archive/testing'] },
#   }
#
# @param command
#   The check command; one of Icinga's template library or one of this module's files/commands.
# @param runs_on
#   Who starts the plugin.
# @param priority
#   How much it matters.
# @param interval_s
#   Seconds between two checks.
# @param retry_s
#   Seconds until the next try after a failure, as long as fewer than `attempts` failed.
# @param attempts
#   How many failures in a row raise an alert.
# @param often
#   How many failures in a window raise an alert by themselves, however quickly each was over: a second service, named `TITLE-often`.
# @param vars
#   Variables of the check command. Values are data: neither macros nor expressions of Icinga work in them.
define monitoring::check (
  Monitoring::Command    $command,
  Monitoring::Runs_on    $runs_on,
  Monitoring::Priority   $priority,
  Integer[1, 604800]     $interval_s = 60,
  Integer[1, 604800]     $retry_s = 30,
  Integer[1, 100]        $attempts = 3,
  Optional[Monitoring::Often] $often = undef,
  Monitoring::Variables  $vars = {},
) {
  include monitoring

  unless $title =~ Monitoring::Name {
    fail("monitoring::check '${title}': the name must match [a-z0-9][a-z0-9_.-]*, at most 63 characters")
  }
  if size($vars) > $monitoring::max_vars {
    fail("monitoring::check '${title}' has ${size($vars)} variables, more than ${monitoring::max_vars}")
  }

  $certname = $trusted['certname']
  $parameters = {
    'host'       => $certname,
    'service'    => $title,
    'command'    => $command,
    'runs_on'    => $runs_on,
    'priority'   => $priority,
    'interval_s' => max(1, $interval_s / $monitoring::compress),
    'retry_s'    => max(1, $retry_s / $monitoring::compress),
    'attempts'   => $attempts,
    'often'      => $often,
    'vars'       => $vars,
  }

  if $monitoring::export {
    @@monitoring::collected::service { "${certname} ${title}":
      *   => $parameters,
      tag => 'monitoring',
    }
  }

  if $monitoring::agent and $runs_on == 'agent' {
    file { "${monitoring::directory}/${title}.conf":
      ensure  => file,
      owner   => 'root',
      group   => 'root',
      mode    => '0644',
      content => monitoring::render_agent_service($parameters),
    }
    # A collector, not defined(): it sees the service whichever class is evaluated first, and a node without one has nothing to reload.
    File["${monitoring::directory}/${title}.conf"] ~> Service <| title == 'icinga2' |>
  }
}
