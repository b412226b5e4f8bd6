# @summary The archive of Tor Browser tarballs.
class role::git_annex {
  include profile::base
  include profile::git_annex
}
