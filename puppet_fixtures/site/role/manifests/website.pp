# @summary The website.
class role::website {
  include profile::base
  include profile::website
}
