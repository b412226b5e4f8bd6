# frozen_string_literal: true

# Compiles the catalogs of many nodes in one process, without a server: reads one JSON object from standard input, writes one to standard output.
#
# In:  {"environmentpath", "environment", "vardir", "key", "nodes": [{"certname", "facts", "rows", "secrets"}]}; `rows` is what PuppetDB answers the
#      node, null for what the nodes before it export; `secrets` says whether every name below secrets:: has a placeholder for it.
# Out: {"nodes": {certname: {"error"} or {"seconds", "resources": [{"type", "title", "exported", "virtual", "parameters"}]}}}
#
# A Sensitive value never leaves, not even out of a text that a template has put it into: a digest stands for it that is keyed by `key`, so that two
# processes with one key can tell whether it is the same.
require 'json'
require 'openssl'
require 'puppet'
require 'set'

# At once: Puppet's autoloader would take an Interrupt for a broken file, and go on.
trap('INT') { exit!(130) }

# Providers apply resources, and nothing here does: loading all of them would take more than half of the time of a small job. A type that has some
# gets the parameter `provider` that it would have gained from them.
Puppet::Util::Autoload.prepend(Module.new do
  def loadall(environment)
    return super unless @path.start_with?('puppet/provider/')

    @object.providify unless files_to_load(environment).empty?
  end
end)

job = JSON.parse($stdin.read)
vardir = job.fetch('vardir')
KEY = job.fetch('key')
Puppet.initialize_settings(
  ['--confdir', File.join(vardir, 'conf'), '--vardir', File.join(vardir, 'var'), '--environmentpath', job.fetch('environmentpath'), '--strict', 'error']
)
Puppet[:strict_variables] = true
Puppet::Util::Log.level = :err
Puppet::Util::Log.newdestination(:console) if ENV['WATCHPOST_PUPPET_LOG']

environments = Puppet::Environments::Directories.new(job.fetch('environmentpath'), [])
environment = environments.get!(job.fetch('environment'))
loaders = Puppet::Pops::Loaders.new(environment)

# What PuppetDB would answer. In the system's loader, because the real one is there where PuppetDB's terminus is installed, and comes before any module.
answering = Puppet::Functions.create_function(:puppetdb_query) do
  dispatch(:ask) { param 'String', :query }

  def ask(_query)
    $compiling['rows']
  end
end
system = loaders.puppet_system_loader
system.set_entry(Puppet::Pops::Loader::TypedName.new(:function, 'puppetdb_query'), answering.new(nil, system))

# Every text that ever was Sensitive.
HIDDEN = Set.new
Puppet::Pops::Types::PSensitiveType::Sensitive.prepend(Module.new do
  def initialize(value)
    super
    HIDDEN.add(value) if value.is_a?(String) && !value.empty?
  end
end)

def sealed(value)
  "[sensitive #{OpenSSL::HMAC.hexdigest('SHA256', KEY, JSON.generate([value]))}]"
end

def without_hidden(text)
  return text if HIDDEN.empty?

  # The longest first: one may be part of another.
  text.gsub(Regexp.union(HIDDEN.sort_by { |it| [-it.size, it] })) { |found| sealed(found) }
end

def plain(value)
  case value
  when Hash then value.to_h { |key, item| [without_hidden(key.to_s), plain(item)] }
  when Array then value.map { |item| plain(item) }
  when String then without_hidden(value)
  when Integer, Float, true, false, nil then value
  when Puppet::Pops::Types::PSensitiveType::Sensitive then sealed(value.unwrap)
  else without_hidden(value.to_s)
  end
end

def describe(resource)
  # The compiler unwraps a parameter that is Sensitive as a whole, and keeps its name.
  hidden = resource.sensitive_parameters.map(&:to_s)
  parameters = resource.to_hash.to_h { |name, value| [name.to_s, hidden.include?(name.to_s) ? sealed(value) : plain(value)] }
  { 'type' => resource.type.to_s, 'title' => resource.title.to_s, 'exported' => resource.exported? ? true : false, 'virtual' => resource.virtual? ? true : false, 'parameters' => parameters }
end

exported = []
answers = job.fetch('nodes').to_h do |wanted|
  certname = wanted.fetch('certname')
  # For what stands in for PuppetDB and for secrets.
  $compiling = { 'rows' => wanted['rows'] || exported, 'secrets' => wanted.fetch('secrets') }
  facts = Puppet::Node::Facts.new(certname, wanted.fetch('facts'))
  node = Puppet::Node.new(certname, environment: environment, facts: facts)
  node.merge(facts.values)
  node.trusted_data = { 'authenticated' => 'remote', 'certname' => certname, 'extensions' => {}, 'hostname' => certname.split('.')[0], 'domain' => certname.split('.', 2)[1], 'external' => {} }
  node.add_server_facts('serverversion' => Puppet.version, 'servername' => 'puppet', 'serverip' => '127.0.0.1', 'environment' => 'production')
  started = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  begin
    catalog = Puppet.override(
      { current_environment: environment, loaders: loaders, trusted_information: nil }, 'compile'
    ) { Puppet::Parser::Compiler.compile(node) }
    seconds = Process.clock_gettime(Process::CLOCK_MONOTONIC) - started
    resources = catalog.resources.map { |resource| describe(resource) }
    exported += resources.select { |it| it['exported'] && it['type'].start_with?('Monitoring::Collected::') }.map { |it| { 'certname' => certname }.merge(it.slice('type', 'title', 'parameters')) }
    [certname, { 'seconds' => seconds, 'resources' => resources }]
  rescue StandardError => e
    [certname, { 'error' => without_hidden(e.message) }]
  end
end
puts JSON.generate('nodes' => answers)
