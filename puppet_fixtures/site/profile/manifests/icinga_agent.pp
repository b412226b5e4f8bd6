# @summary Icinga 2 as an agent: runs its own checks at its own times and pushes the results; takes neither commands nor configuration.
#
# It listens on loopback alone and connects to the monitor with the node's own Puppet certificate. The checks are what the node's classes
# declare with monitoring::check.
#
# @param monitor
#   Address of the monitor.
# @param endpoint
#   Name of the monitor's endpoint, as its certificate has it.
class profile::icinga_agent (
  Monitoring::Address $monitor = lookup('lab::addresses')['monitor'],
  Pattern[/\A[a-z0-9.-]+\z/] $endpoint = "icinga.${lookup('lab::domain')}",
) {
  include monitoring::commands
  include profile::puppet_agent

  $certname = $trusted['certname']
  $configuration = '/etc/icinga2'
  $certificates = '/var/lib/icinga2/certs'
  $puppet = '/var/lib/puppet/ssl'

  profile::install { 'icinga_agent':
    packages => ['icinga2-bin', 'icinga2-common'],
  }

  file {
    default:
      ensure  => file,
      owner   => 'root',
      group   => 'nagios',
      mode    => '0640',
      require => Package['icinga2-common'],
      notify  => Service['icinga2'],
      ;
    [$configuration, "${configuration}/watchpost.d", $certificates]:
      ensure => directory,
      mode   => '0750',
      ;
    "${configuration}/features-enabled":
      ensure  => directory,
      mode    => '0750',
      recurse => true,
      purge   => true,
      force   => true,
      ;
    "${configuration}/icinga2.conf":
      source => 'puppet:///modules/profile/icinga_agent/icinga2.conf',
      ;
    "${configuration}/constants.conf":
      content => epp('profile/icinga_agent/constants.conf.epp', { 'certname' => $certname }),
      ;
    "${configuration}/zones.conf":
      content => epp('profile/icinga_agent/zones.conf.epp', { 'endpoint' => $endpoint, 'monitor' => $monitor }),
      ;
    "${configuration}/features-enabled/api.conf":
      source => 'puppet:///modules/profile/icinga_agent/api.conf',
      ;
    "${configuration}/features-enabled/checker.conf":
      source => 'puppet:///modules/profile/monitor/icinga2/features-enabled/checker.conf',
      ;
    "${configuration}/features-enabled/syslog.conf":
      source => 'puppet:///modules/profile/icinga_agent/syslog.conf',
      ;
    # One key for each node: what the agent may say as itself, the node may say to the Puppet server.
    "${certificates}/ca.crt":
      source => "${puppet}/certs/ca.pem",
      ;
    "${certificates}/crl.pem":
      source => "${puppet}/crl.pem",
      ;
    "${certificates}/${certname}.crt":
      source => "${puppet}/certs/${certname}.pem",
      ;
    "${certificates}/${certname}.key":
      source    => "${puppet}/private_keys/${certname}.pem",
      owner     => 'nagios',
      mode      => '0600',
      show_diff => false,
      backup    => false,
      ;
  }

  service { 'icinga2':
    ensure => running,
    enable => true,
  }
}
