# @summary Git repositories with Gitolite: over SSH for those with a key, over git:// for everybody where a repository says so.
#
# The configuration is Puppet's, not pushed into gitolite-admin: one way in, one place to review.
#
# @param probe_key
#   Public key of the monitor, which may read the repository `testing` and do nothing else.
class profile::gitolite (
  Optional[Pattern[/\Assh-ed25519 [A-Za-z0-9+\/=]+\z/]] $probe_key = lookup('lab::probe_public_key', { 'default_value' => undef }),
) {
  $home = '/var/lib/gitolite3'

  profile::install { 'gitolite':
    packages => ['git', 'gitolite3'],
  }
  include profile::ssh_server

  group { 'gitolite3':
    ensure => present,
    system => true,
  }
  -> user { 'gitolite3':
    ensure => present,
    system => true,
    gid    => 'gitolite3',
    home   => $home,
    shell  => '/bin/bash',
  }
  -> file {
    default:
      owner => 'gitolite3',
      group => 'gitolite3',
      mode  => '0600',
      ;
    $home:
      ensure  => directory,
      mode    => '0755',
      require => Package['gitolite3'],
      ;
    "${home}/.gitolite.rc":
      ensure => file,
      source => 'puppet:///modules/profile/gitolite/gitolite.rc',
      notify => Exec['compile the rules of Gitolite'],
      ;
  }
  -> exec { 'set up Gitolite':
    command     => ['/usr/bin/gitolite', 'setup', '--admin', 'nobody'],
    user        => 'gitolite3',
    cwd         => $home,
    environment => ["HOME=${home}"],
    creates     => "${home}/.gitolite/conf/gitolite.conf-compiled.pm",
    require     => Package['git'],
  }
  -> file {
    default:
      ensure => file,
      owner  => 'gitolite3',
      group  => 'gitolite3',
      mode   => '0600',
      notify => Exec['compile the rules of Gitolite'],
      ;
    "${home}/.gitolite/conf/gitolite.conf":
      source => 'puppet:///modules/profile/gitolite/gitolite.conf',
      ;
    "${home}/.gitolite/keydir":
      ensure  => directory,
      mode    => '0700',
      recurse => true,
      purge   => true,
      ;
  }

  if $probe_key {
    file { "${home}/.gitolite/keydir/monitor-probe.pub":
      ensure  => file,
      owner   => 'gitolite3',
      group   => 'gitolite3',
      mode    => '0600',
      content => "${probe_key} monitor-probe\n",
      notify  => Exec['compile the rules of Gitolite'],
    }
  }

  file { '/usr/local/sbin/compile-gitolite':
    ensure => file,
    owner  => 'root',
    group  => 'root',
    mode   => '0755',
    source => 'puppet:///modules/profile/gitolite/compile-gitolite',
  }
  -> exec { 'compile the rules of Gitolite':
    command     => ['/usr/local/sbin/compile-gitolite'],
    user        => 'gitolite3',
    cwd         => $home,
    environment => ["HOME=${home}"],
    refreshonly => true,
    require     => Exec['set up Gitolite'],
  }
  -> exec { 'fill the testing repository':
    command     => ['/usr/local/sbin/compile-gitolite', '--fill'],
    user        => 'gitolite3',
    cwd         => $home,
    environment => ["HOME=${home}"],
    creates     => "${home}/repositories/testing.git/refs/heads/main",
  }

  # Exports only repositories that Gitolite marks with git-daemon-export-ok.
  systemd::unit_file { 'git-daemon.service':
    source  => 'puppet:///modules/profile/gitolite/git-daemon.service',
    require => Exec['fill the testing repository'],
  }
  ~> service { 'git-daemon':
    ensure => running,
    enable => true,
  }

  $urls = {
    'git' => "git://${trusted['certname']}/testing",
    'ssh' => "ssh://gitolite3@${trusted['certname']}/testing",
  }
  $urls.each |$protocol, $url| {
    monitoring::check { "git-${protocol}":
      command    => 'git',
      runs_on    => 'monitor',
      priority   => 'medium',
      interval_s => 300,
      retry_s    => 60,
      vars       => { 'git_url' => $url },
    }
  }
}
