# @summary What every monitored machine has: the site's ordinary configuration, and the checks of all systems.
#
# Each part reads its own Hiera data (data/base/*.yaml); differences between releases are in data/releases.
class profile::base {
  contain profile::base::packages
  contain profile::base::accounts
  contain profile::base::sudo
  contain profile::base::apt
  contain profile::base::kernel
  contain profile::base::systemd
  contain profile::base::timers
  contain profile::base::logrotate
  contain profile::base::shell
  include profile::ssh_server
  include profile::base::checks
  include profile::icinga_agent

  Class['profile::base::packages'] -> Class['profile::base::accounts']
  Class['profile::base::packages'] -> Class['profile::base::sudo']
  Class['profile::base::packages'] -> Class['profile::base::timers']
}
