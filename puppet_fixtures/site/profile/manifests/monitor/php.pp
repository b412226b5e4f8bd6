# @summary PHP-FPM with the one pool of Icinga Web.
class profile::monitor::php {
  $budget = $profile::monitor::budget

  file { '/etc/php/8.4/fpm/pool.d/www.conf':
    ensure  => file,
    owner   => 'root',
    group   => 'root',
    mode    => '0644',
    content => epp('profile/monitor/php-pool.conf.epp', { 'workers' => $budget['php_workers'] }),
    notify  => Service['php8.4-fpm'],
  }
  systemd::dropin_file { 'php8.4-fpm':
    unit     => 'php8.4-fpm.service',
    filename => 'watchpost.conf',
    content  => epp('profile/monitor/units/php8.4-fpm.conf.epp', { 'memory_mib' => $budget['php_max_mib'] }),
    notify   => Service['php8.4-fpm'],
  }
  service { 'php8.4-fpm':
    ensure => running,
    enable => true,
  }
}
