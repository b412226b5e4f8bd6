# @summary The site's regular jobs, as systemd timers.
#
# @param jobs
#   By name: what it is, when it runs, what it runs.
class profile::base::timers (
  Hash[Pattern[/\A[a-z0-9-]+\z/], Struct[{ description => String[1], calendar => String[1], command => String[1], Optional[user] => String[1] }]] $jobs,
) {
  $jobs.each |$name, $job| {
    systemd::timer { "${name}.timer":
      timer_content   => epp('profile/job.timer.epp', $job - ['command', 'user']),
      service_content => epp('profile/job.service.epp', $job - ['calendar']),
      enable          => true,
      active          => true,
    }
  }
}
