# @summary The project's files over rsync://, read-only.
#
# @param modules
#   Modules of the daemon with the directories that have to be in each.
class profile::rsync (
  Hash[Pattern[/\A[a-z0-9-]+\z/], Array[Pattern[/\A[a-z0-9.-]+\z/], 1], 1] $modules,
) {
  profile::install { 'rsync':
    packages => ['rsync'],
  }

  file {
    default:
      owner => 'root',
      group => 'root',
      mode  => '0755',
      ;
    '/srv/rsync':
      ensure => directory,
      ;
    '/etc/rsyncd.conf':
      ensure  => file,
      mode    => '0644',
      content => epp('profile/rsync/rsyncd.conf.epp', { 'modules' => keys($modules) }),
      notify  => Service['rsync'],
      ;
  }

  $modules.each |$module, $directories| {
    file { "/srv/rsync/${module}":
      ensure => directory,
      owner  => 'root',
      group  => 'root',
      mode   => '0755',
    }
    $directories.each |$directory| {
      file {
        default:
          owner => 'root',
          group => 'root',
          ;
        "/srv/rsync/${module}/${directory}":
          ensure => directory,
          mode   => '0755',
          ;
        "/srv/rsync/${module}/${directory}/README":
          ensure  => file,
          mode    => '0644',
          content => "${directory} of ${module}\n",
          ;
      }
    }
  }

  service { 'rsync':
    ensure  => running,
    enable  => true,
    require => Package['rsync'],
  }

  monitoring::check { 'rsync':
    command    => 'rsync_dirs',
    runs_on    => 'monitor',
    priority   => 'critical',
    interval_s => 120,
    retry_s    => 30,
    vars       => {
      'rsync_dirs_expected' => flatten($modules.map |$module, $directories| { $directories.map |$it| { "${module}/${it}" } }),
    },
  }
}
