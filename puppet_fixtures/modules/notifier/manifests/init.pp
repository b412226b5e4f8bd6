# @summary Tells people by mail of what Icinga notices, within limits that no monitored machine can exceed.
#
# Icinga starts logger(1), which hands each notification to a socket; one program behind it decides, keeps and sends. What a limit holds
# back comes in a digest.
#
# @example All for one, the web server for two
#   class { 'notifier':
#     people => {
#       'sysadmins' => { 'address' => 'sysadmins@example.org' },
#       'web-team'  => { 'address' => 'web@example.org', 'roles' => ['website'] },
#     },
#   }
#
# @param people
#   Who is told. One of them at least is told of everything: nothing may be nobody's duty.
# @param sender
#   The address that mails come from.
# @param web
#   Where the monitor's web is, for digests.
# @param limits
#   Other limits than the usual.
# @param mail_server
#   Address of the mail server that takes the mails.
# @param mail_server_port
#   Its port.
class notifier (
  Hash[Notifier::Name, Notifier::Person, 1] $people,
  String[3] $sender = "watchpost@${trusted['certname']}",
  String[1] $web = "https://${trusted['certname']}/icingaweb2/",
  Notifier::Limits $limits = {},
  String[1] $mail_server = '127.0.0.1',
  Stdlib::Port $mail_server_port = 25,
) {
  if $people.values.all |$person| { 'roles' in $person } {
    fail('notifier: every person has roles, so that a host of another role is nobody\'s duty; give one person none')
  }

  $settings = {
    'people' => $people.reduce({}) |$found, $entry| { $found + { $entry[0] => $entry[1]['address'] } },
    'site'   => { 'name' => $trusted['certname'], 'sender' => $sender, 'web' => $web },
    'limits' => $limits,
    'server' => [$mail_server, $mail_server_port],
  }
  $owner = 'watchpost-notifier'

  user { $owner:
    ensure => present,
    system => true,
    home   => '/var/lib/watchpost-notifier',
    # nologin is in a package that a rented machine need not have.
    shell  => '/bin/false',
  }
  -> file {
    default:
      ensure => file,
      owner  => 'root',
      group  => 'root',
      mode   => '0644',
      ;
    '/usr/local/lib/watchpost/notifier':
      ensure  => directory,
      recurse => true,
      purge   => true,
      force   => true,
      source  => 'puppet:///modules/notifier/notifier',
      ;
    '/etc/watchpost-notifier.json':
      group   => $owner,
      mode    => '0640',
      content => stdlib::to_json($settings),
      ;
  }
  ~> service { 'watchpost-notifier.service':
    ensure => running,
    enable => true,
  }

  # A socket does not start before its service is known.
  systemd::unit_file { 'watchpost-notifier.service':
    source => 'puppet:///modules/notifier/watchpost-notifier.service',
  }
  -> systemd::unit_file { 'watchpost-notifier.socket':
    source => 'puppet:///modules/notifier/watchpost-notifier.socket',
  }
  ~> service { 'watchpost-notifier.socket':
    ensure => running,
    enable => true,
  }
  -> Service['watchpost-notifier.service']
  Systemd::Unit_file['watchpost-notifier.service'] ~> Service['watchpost-notifier.service']

  file { '/etc/icinga2/watchpost.d/notifications.conf':
    ensure  => file,
    owner   => 'root',
    group   => 'nagios',
    mode    => '0640',
    content => epp('notifier/notifications.conf.epp', { 'people' => $people }),
  }
  # A collector, not defined(): it sees the service whichever class is evaluated first.
  File['/etc/icinga2/watchpost.d/notifications.conf'] ~> Service <| title == 'icinga2' |>
}
