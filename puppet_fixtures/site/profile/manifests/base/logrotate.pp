# @summary How logs are rotated.
#
# @param logs
#   By name: which files, how often, how many are kept.
class profile::base::logrotate (
  Hash[Pattern[/\A[a-z0-9-]+\z/], Struct[{ path => String[1], every => Enum['daily', 'weekly', 'monthly'], keep => Integer[1] }]] $logs,
) {
  $logs.each |$name, $log| {
    file { "/etc/logrotate.d/site-${name}":
      ensure  => file,
      owner   => 'root',
      group   => 'root',
      mode    => '0644',
      content => "${log['path']} {\n  ${log['every']}\n  rotate ${log['keep']}\n  missingok\n  notifempty\n  compress\n  delaycompress\n}\n",
    }
  }
}
