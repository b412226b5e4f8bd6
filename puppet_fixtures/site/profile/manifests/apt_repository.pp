# @summary The project's APT repository: the suite `stable`, and `frozen`, a copy that stays as it is while a release is prepared.
#
# Both are signed. The signatures are valid for eight days and renewed every day, so that a server which stopped publishing is noticed.
#
# @param server_names
#   Names of the virtual host.
# @param signing_key
#   The private key to sign with, armoured; without it the machine makes one of its own, which no monitor knows.
class profile::apt_repository (
  Array[String[1], 1] $server_names = profile::server_names('apt_repository'),
  Optional[Sensitive[String[1]]] $signing_key = lookup('secrets::apt_repository_key', { 'default_value' => undef }),
) {
  $given_key = '/var/lib/apt-repository/key.asc'
  $build = '/usr/local/sbin/publish-apt-repository'
  $root = '/srv/apt-repository'

  profile::install { 'apt_repository':
    packages => ['reprepro', 'gpg', 'gpg-agent', 'dpkg-dev'],
  }

  user { 'apt-repository':
    ensure => present,
    system => true,
    home   => '/var/lib/apt-repository',
    shell  => '/usr/sbin/nologin',
  }
  -> file {
    default:
      owner => 'apt-repository',
      group => 'apt-repository',
      mode  => '0644',
      ;
    ['/var/lib/apt-repository', '/var/lib/apt-repository/gnupg']:
      ensure => directory,
      mode   => '0700',
      ;
    [$root, "${root}/conf"]:
      ensure => directory,
      mode   => '0755',
      ;
    "${root}/conf/distributions":
      ensure => file,
      source => 'puppet:///modules/profile/apt_repository/distributions',
      ;
    $build:
      ensure => file,
      owner  => 'root',
      group  => 'root',
      mode   => '0755',
      source => 'puppet:///modules/profile/apt_repository/publish-apt-repository',
      ;
  }
  # For the first time, or with another key.
  -> exec { 'publish the APT repository':
    command => [$build],
    user    => 'apt-repository',
    unless  => [['/usr/bin/test', "${root}/dists/frozen/InRelease", '-nt', $given_key]],
    require => Profile::Install['apt_repository'],
  }

  if $signing_key {
    file { $given_key:
      ensure    => file,
      owner     => 'apt-repository',
      group     => 'apt-repository',
      mode      => '0400',
      show_diff => false,
      backup    => false,
      content   => $signing_key,
      require   => File['/var/lib/apt-repository'],
      before    => Exec['publish the APT repository'],
    }
  }

  systemd::timer { 'publish-apt-repository.timer':
    timer_content   => epp('profile/job.timer.epp', { 'description' => 'Renew the signatures of the APT repository', 'calendar' => '*-*-* 02:00:00' }),
    service_content => epp('profile/job.service.epp', {
        'description' => 'Renew the signatures of the APT repository',
        'command'     => $build,
        'user'        => 'apt-repository',
    }),
    enable          => true,
    active          => true,
    require         => File[$build],
  }

  profile::vhost { 'apt_repository':
    server_names => $server_names,
    root         => $root,
    listing      => true,
  }

  # 'frozen' may stand still for weeks while its signature is still renewed: age counts for neither, validity for both.
  ['stable', 'frozen'].each |$suite| {
    monitoring::check { "apt-${suite}":
      command    => 'apt_repo',
      runs_on    => 'monitor',
      priority   => 'critical',
      interval_s => 120,
      retry_s    => 60,
      vars       => { 'apt_repo_vhost' => $trusted['certname'], 'apt_repo_suite' => $suite, 'apt_repo_warning_s' => 172800 },
    }
  }
}
