# @summary The whole monitoring stack on one machine, wired together.
#
# Everything is sized from the hosting spec, which the lab's data holds, and never from what the machine sees of its host.
#
# @param vcpus
#   Virtual CPUs of the hosting spec.
# @param memory_mib
#   Memory of the hosting spec.
# @param disk_gib
#   Disk of the hosting spec.
# @param domain
#   Domain of the lab.
class profile::monitor (
  Integer[1] $vcpus = lookup('hosting::vcpus'),
  Integer[64] $memory_mib = lookup('hosting::memory_mib'),
  Integer[4] $disk_gib = lookup('hosting::disk_gib'),
  Pattern[/\A[a-z0-9.-]+\z/] $domain = lookup('lab::domain'),
) {
  $budget = profile::monitor::budget($vcpus, $memory_mib, $disk_gib)
  # The name of Icinga's endpoint. It is no Puppet node: its certificate fetches no catalog.
  $endpoint = "icinga.${domain}"

  class { 'profile::packages':
    kind => 'monitor',
  }

  # Makes /usr/local/lib/watchpost, where our own programs live.
  include monitoring::commands

  contain profile::monitor::system
  contain profile::monitor::firewall
  contain profile::puppet_agent
  contain profile::monitor::postgresql
  contain profile::monitor::valkey
  contain profile::monitor::icinga_certificate
  contain profile::monitor::icinga2
  contain profile::monitor::icingadb
  contain profile::monitor::php
  contain profile::monitor::icingaweb
  contain profile::monitor::webserver
  contain profile::monitor::mail
  contain profile::monitor::notifications
  contain profile::monitor::tor
  contain profile::monitor::overview

  Class['profile::packages'] -> Class['profile::monitor::system'] -> Class['profile::monitor::firewall']
  Class['profile::monitor::system'] -> Class['profile::monitor::postgresql']
  Class['profile::monitor::system'] -> Class['profile::monitor::valkey']
  Class['profile::monitor::system'] -> Class['profile::monitor::icinga_certificate'] -> Class['profile::monitor::icinga2']
  Class['profile::monitor::system'] -> Class['profile::monitor::mail']
  Class['profile::monitor::system'] -> Class['profile::monitor::tor']
  # The first notification finds who takes it.
  Class['profile::monitor::mail'] -> Class['profile::monitor::notifications'] -> Service['icinga2']
  # Icinga DB gives up without either; Icinga 2 writes to Valkey from its first second.
  Class['profile::monitor::postgresql'] -> Class['profile::monitor::icingadb'] -> Class['profile::monitor::overview']
  Class['profile::monitor::valkey'] -> Class['profile::monitor::icinga2'] -> Class['profile::monitor::icingadb']
  Class['profile::monitor::postgresql'] -> Class['profile::monitor::icingaweb'] -> Class['profile::monitor::php']
  Class['profile::monitor::php'] -> Class['profile::monitor::webserver']
}
