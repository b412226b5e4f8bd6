# @summary The project's website over HTTPS.
#
# @param server_names
#   Names of the virtual host.
class profile::website (
  Array[String[1], 1] $server_names = profile::server_names('website'),
) {
  file {
    default:
      owner => 'root',
      group => 'root',
      ;
    '/srv/website':
      ensure => directory,
      mode   => '0755',
      ;
    '/srv/website/index.html':
      ensure => file,
      mode   => '0644',
      source => 'puppet:///modules/profile/website/index.html',
      ;
  }

  profile::vhost { 'website':
    server_names => $server_names,
    tls          => true,
    root         => '/srv/website',
  }

  monitoring::check { 'website':
    command    => 'http',
    runs_on    => 'monitor',
    priority   => 'critical',
    interval_s => 60,
    retry_s    => 30,
    # A site that is away for a minute every day is no site that is up.
    often      => { 'window_s' => 604800, 'warning' => 5, 'critical' => 10 },
    vars       => {
      'http_vhost'             => $trusted['certname'],
      'http_ssl'               => true,
      'http_sni'               => true,
      'http_expect'            => '200',
      'http_expect_body_regex' => 'Welcome to the project',
      'http_timeout'           => 20,
    },
  }

  monitoring::check { 'website-certificate':
    command    => 'http',
    runs_on    => 'monitor',
    priority   => 'critical',
    interval_s => 3600,
    retry_s    => 300,
    vars       => {
      'http_vhost'       => $trusted['certname'],
      'http_ssl'         => true,
      'http_sni'         => true,
      'http_certificate' => '30,14',
      'http_timeout'     => 20,
    },
  }
}
