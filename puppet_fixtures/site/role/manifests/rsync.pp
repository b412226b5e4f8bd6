# @summary Files over rsync.
class role::rsync {
  include profile::base
  include profile::rsync
}
