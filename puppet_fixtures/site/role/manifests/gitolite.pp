# @summary Git repositories.
class role::gitolite {
  include profile::base
  include profile::gitolite
}
