# @summary A page for everybody: hosts, services and their states, made from the database and pushed to a web server elsewhere.
#
# Nobody reads it from the monitor, and it holds nothing that a check said: names, states and times. The account that makes it can read
# those columns and nothing more.
#
# @example To an account on the project's web server
#   class { 'overview':
#     target      => { 'host' => 'www.example.org', 'user' => 'status', 'path' => '/public/index.html' },
#     private_key => $key,
#     host_key    => 'ssh-ed25519 AAAA…',
#   }
#
# @param target
#   Where the page goes; nowhere, and everything of this class is removed.
# @param private_key
#   The key that the web server lets in, in OpenSSH's format.
# @param host_key
#   The web server's own public key.
# @param every_minutes
#   How often the page is made.
class overview (
  Optional[Overview::Target] $target = undef,
  Optional[Sensitive[String[1]]] $private_key = undef,
  Optional[Pattern[/\A(ssh-ed25519|ecdsa-sha2-nistp256|ssh-rsa) [A-Za-z0-9+\/=]+\z/]] $host_key = undef,
  Integer[1, 30] $every_minutes = 1,
) {
  $owner = 'watchpost-overview'
  $program = '/usr/local/lib/watchpost/overview'
  $settings = '/etc/watchpost-overview'

  if $target {
    unless $private_key and $host_key {
      fail('overview: a target needs private_key and host_key')
    }
    user { $owner:
      ensure => present,
      system => true,
      home   => '/var/lib/watchpost-overview',
      shell  => '/bin/false',
    }
    -> file {
      default:
        ensure => file,
        owner  => 'root',
        group  => $owner,
        mode   => '0640',
        ;
      $program:
        ensure  => directory,
        mode    => '0755',
        group   => 'root',
        recurse => true,
        purge   => true,
        force   => true,
        source  => 'puppet:///modules/overview/overview',
        ;
      $settings:
        ensure => directory,
        mode   => '0750',
        ;
      "${settings}/settings.json":
        content => stdlib::to_json($target + { 'site' => $trusted['certname'], 'every_s' => $every_minutes * 60 }),
        ;
      "${settings}/known_hosts":
        content => "${target['host']} ${host_key}\n",
        ;
      # ssh takes a key that nobody but its owner can read.
      "${settings}/key":
        owner     => $owner,
        mode      => '0400',
        show_diff => false,
        backup    => false,
        content   => $private_key,
        ;
    }
    -> systemd::timer { 'watchpost-overview.timer':
      timer_content  => epp('overview/watchpost-overview.timer.epp', { 'every_minutes' => $every_minutes }),
      service_source => 'puppet:///modules/overview/watchpost-overview.service',
      active         => true,
      enable         => true,
    }
  } else {
    systemd::timer { 'watchpost-overview.timer':
      ensure         => absent,
      timer_content  => '-',
      service_source => 'puppet:///modules/overview/watchpost-overview.service',
      active         => false,
      enable         => false,
    }
    -> file { [$program, $settings]:
      ensure => absent,
      force  => true,
      backup => false,
    }
  }
}
