# @summary The archive of Tor Browser tarballs: a git-annex repository, read over HTTP.
#
# @param server_names
#   Names of the virtual host.
class profile::git_annex (
  Array[String[1], 1] $server_names = profile::server_names('git_annex'),
) {
  $root = '/srv/annex'

  profile::install { 'git_annex':
    packages => ['git', 'git-annex'],
  }

  user { 'annex':
    ensure => present,
    system => true,
    home   => '/var/lib/annex',
    shell  => '/usr/sbin/nologin',
  }
  -> file {
    default:
      ensure => directory,
      owner  => 'annex',
      group  => 'annex',
      mode   => '0755',
      ;
    ['/var/lib/annex', $root]:
      ;
    '/usr/local/sbin/make-archive':
      ensure => file,
      owner  => 'root',
      group  => 'root',
      source => 'puppet:///modules/profile/git_annex/make-archive',
      ;
  }
  -> exec { 'make the archive':
    command     => ['/usr/local/sbin/make-archive', $root],
    user        => 'annex',
    environment => ['HOME=/var/lib/annex'],
    creates     => "${root}/.git/archive-made",
    timeout     => 300,
    require     => Profile::Install['git_annex'],
  }

  systemd::timer { 'annex-fsck.timer':
    timer_content   => epp('profile/job.timer.epp', { 'description' => 'Verify the archive', 'calendar' => 'Sun 06:00:00' }),
    service_content => epp('profile/job.service.epp', {
        'description' => 'Verify the archive',
        'command'     => "/usr/bin/git -C ${root} annex fsck --fast --quiet",
        'user'        => 'annex',
    }),
    enable          => true,
    active          => true,
    require         => Exec['make the archive'],
  }

  profile::vhost { 'git_annex':
    server_names => $server_names,
    root         => $root,
    listing      => true,
  }

  monitoring::check { 'tor-browser-archive':
    command    => 'http_dir',
    runs_on    => 'monitor',
    priority   => 'high',
    interval_s => 300,
    retry_s    => 60,
    vars       => {
      'http_dir_vhost'        => $trusted['certname'],
      'http_dir_paths'        => ['/tor-browser/'],
      'http_dir_subdirectory' => '^[0-9]+(\.[0-9]+)+$',
      'http_dir_file'         => '\.tar\.xz$',
    },
  }
}
