# @summary nginx with virtual hosts by name; a name that nobody serves is answered with 404.
class profile::http_server {
  profile::install { 'http_server':
    packages => ['nginx'],
  }

  profile::certificate { 'http_server': }

  file { '/etc/nginx/sites-enabled':
    ensure  => directory,
    owner   => 'root',
    group   => 'root',
    mode    => '0755',
    recurse => true,
    purge   => true,
    require => Package['nginx'],
    notify  => Service['nginx'],
  }

  file { '/etc/nginx/sites-enabled/00-default.conf':
    ensure  => file,
    owner   => 'root',
    group   => 'root',
    mode    => '0644',
    source  => 'puppet:///modules/profile/http_server/default.conf',
    require => Profile::Certificate['http_server'],
    notify  => Service['nginx'],
  }

  service { 'nginx':
    ensure  => running,
    enable  => true,
    restart => '/usr/bin/systemctl reload-or-restart nginx.service',
  }
}
