# @summary One machine that stands in for all simulated hosts: it has all their addresses and offers all their services.
#
# The services come from the very profiles of the roles, so that a check which works here works on a machine of its own. Nothing is
# exported: the simulated hosts do that themselves. The mail sink, the web server of the public
# overview and the lab's stand-in for the Internet are here as well.
class role::fleet {
  # Before any profile declares a check.
  class { 'monitoring':
    export => false,
    agent  => false,
  }
  class { 'profile::packages':
    kind => 'fleet',
  }

  include profile::fleet_network
  include profile::mail_sink
  include profile::height_sources
  include profile::overview_site

  include profile::apt_repository
  include profile::bitcoind
  include profile::bittorrent
  include profile::gitolite
  include profile::git_annex
  include profile::jenkins
  include profile::nightly_builds
  include profile::rsync
  include profile::test_suite
  include profile::website
  include profile::whisperback
  include profile::xmpp

  Class['profile::fleet_network'] -> Class['profile::mail_sink']
  Class['profile::fleet_network'] -> Class['profile::whisperback']
}
