# @summary Nightly builds of two branches, served over HTTP.
#
# @param branches
#   Branches that are built.
# @param server_names
#   Names of the virtual host.
class profile::nightly_builds (
  Array[Pattern[/\A[a-z0-9-]+\z/], 1] $branches = ['stable', 'devel'],
  Array[String[1], 1] $server_names = profile::server_names('nightly_builds'),
) {
  $root = '/srv/nightly'

  user { 'nightly':
    ensure => present,
    system => true,
    home   => $root,
    shell  => '/usr/sbin/nologin',
  }
  -> file {
    default:
      ensure => directory,
      owner  => 'nightly',
      group  => 'nightly',
      mode   => '0755',
      ;
    $root:
      ;
    $branches.map |$branch| { "${root}/${branch}" }:
      ;
    '/usr/local/sbin/nightly-build':
      ensure => file,
      owner  => 'root',
      group  => 'root',
      source => 'puppet:///modules/profile/nightly_builds/nightly-build',
      ;
  }
  -> exec { 'build for the first time':
    command => ['/usr/local/sbin/nightly-build', $root] + $branches,
    user    => 'nightly',
    creates => "${root}/${branches[-1]}/latest.iso",
  }

  systemd::timer { 'nightly-build.timer':
    timer_content   => epp('profile/job.timer.epp', { 'description' => 'Build the branches', 'calendar' => '*-*-* 01:00:00' }),
    service_content => epp('profile/job.service.epp', {
        'description' => 'Build the branches',
        'command'     => "/usr/local/sbin/nightly-build ${root} ${branches.join(' ')}",
        'user'        => 'nightly',
    }),
    enable          => true,
    active          => true,
    require         => File['/usr/local/sbin/nightly-build'],
  }

  profile::vhost { 'nightly_builds':
    server_names => $server_names,
    root         => $root,
    listing      => true,
  }

  # Two nights may fail before somebody is told that nothing new comes; a missing directory is told at once.
  monitoring::check { 'nightly-builds':
    command    => 'http_dir',
    runs_on    => 'monitor',
    priority   => 'critical',
    interval_s => 300,
    retry_s    => 60,
    vars       => {
      'http_dir_vhost'     => $trusted['certname'],
      'http_dir_paths'     => $branches.map |$branch| { "/${branch}/" },
      'http_dir_file'      => '\.iso$',
      'http_dir_max_age_s' => 216000,
    },
  }
}
