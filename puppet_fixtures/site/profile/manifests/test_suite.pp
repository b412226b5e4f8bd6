# @summary The limited account that contributors and robots use while the test suite runs: SFTP in a jail, no shell.
#
# @param keys
#   Public keys that may log in.
class profile::test_suite (
  Array[Pattern[/\Assh-ed25519 [A-Za-z0-9+\/=]+\z/]] $keys = [lookup('lab::probe_public_key', { 'default_value' => undef })].filter |$key| { $key },
) {
  $root = '/srv/sftp-test'

  profile::sftp_account { 'sftp-test':
    root => $root,
    keys => $keys,
  }
  -> file {
    default:
      owner => 'root',
      group => 'root',
      ;
    "${root}/upload":
      ensure => directory,
      mode   => '0755',
      ;
    "${root}/README":
      ensure  => file,
      mode    => '0644',
      content => "The test suite reads this file.\n",
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
