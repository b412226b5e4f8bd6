# @summary Icinga 2's own key and certificate, from the Puppet CA, under a name that is no Puppet node.
#
# Whoever holds them may speak as the endpoint, and can fetch no catalog. The CA's key is on another machine.
#
# @param challenge
#   Secret that the CA wants to see in the request.
class profile::monitor::icinga_certificate (
  Sensitive[String[1]] $challenge = lookup('secrets::icinga_enrolment'),
) {
  $directory = '/var/lib/icinga2/certs'
  $endpoint = $profile::monitor::endpoint
  $puppet = '/var/lib/puppet/ssl'
  $server = $profile::puppet_agent::server

  file {
    default:
      ensure => file,
      owner  => 'root',
      group  => 'nagios',
      mode   => '0640',
      backup => false,
      ;
    $directory:
      ensure => directory,
      mode   => '0750',
      ;
    "${directory}/ca.crt":
      source => "${puppet}/certs/ca.pem",
      ;
    # The agent fetches it anew; whoever is revoked in it loses the connection at the next reload.
    "${directory}/crl.pem":
      source => "${puppet}/crl.pem",
      ;
    '/usr/local/lib/watchpost/enrol-certificate':
      group  => 'root',
      mode   => '0755',
      source => 'puppet:///modules/profile/monitor/enrol-certificate',
      ;
    "${directory}/enrolment":
      group     => 'root',
      mode      => '0600',
      show_diff => false,
      content   => $challenge,
      ;
  }
  -> exec { 'get the certificate of the endpoint':
    command => "/usr/local/lib/watchpost/enrol-certificate ${endpoint} ${server} ${directory}/enrolment ${directory}",
    creates => "${directory}/${endpoint}.crt",
    timeout => 300,
  }
  # The harness may bring a key of its own; whatever brought it, nobody else reads it.
  -> file { "${directory}/${endpoint}.key":
    ensure    => file,
    owner     => 'nagios',
    group     => 'nagios',
    mode      => '0600',
    show_diff => false,
    backup    => false,
  }
}
