# @summary The limited account that contributors and robots use while the test suite runs: SFTP in a jail, no shell.
#
# @param keys
#   Public keys that may log in.
class profile::test_suite (
  Array[Pattern[/\Assh-ed25519 [A-Za-z0-9+\/=]+\z/]] $keys = [lookup('lab::probe_public_key', { 'default_value' => undef })].filter |$key| { $key },
) {
  include profile::ssh_server

  group { 'sftp-test':
    ensure => present,
    system => true,
  }
  -> user { 'sftp-test':
    ensure => present,
    system => true,
    gid    => 'sftp-test',
    home   => '/srv/sftp-test',
    # OpenSSH runs internal-sftp itself; a shell is what this account must not have.
    shell  => '/usr/sbin/nologin',
  }
  -> file {
    default:
      ensure => file,
      owner  => 'root',
      group  => 'root',
      mode   => '0644',
      ;
    # sshd wants a jail that nobody but root can change.
    ['/srv/sftp-test', '/srv/sftp-test/upload', '/etc/ssh/sftp-test']:
      ensure => directory,
      mode   => '0755',
      ;
    '/srv/sftp-test/README':
      content => "The test suite reads this file.\n",
      ;
    '/etc/ssh/sftp-test/authorized_keys':
      content => $keys.map |$key| { "restrict ${key}\n" }.join,
      ;
    '/etc/ssh/sshd_config.d/60-sftp-test.conf':
      source  => 'puppet:///modules/profile/test_suite/sshd.conf',
      require => File['/etc/ssh/sshd_config.d'],
      notify  => Service['ssh'],
      ;
  }

  monitoring::check { 'test-suite-ssh':
    command    => 'ssh',
    runs_on    => 'monitor',
    priority   => 'high',
    interval_s => 60,
    retry_s    => 30,
    vars       => { 'ssh_timeout' => 15 },
  }

  monitoring::check { 'test-suite-sftp':
    command    => 'sftp',
    runs_on    => 'monitor',
    priority   => 'high',
    interval_s => 120,
    retry_s    => 30,
    vars       => { 'sftp_user' => 'sftp-test', 'sftp_file' => 'README' },
  }
}
