// Reading moonraker.conf: sources, typed sections, secrets, the last good copy and the default file.
export { ConfigError, type ConfigPlace } from './config-error.ts'
export { Configuration, type OnInvalid, type ReadSection, type ServerConfig } from './configuration.ts'
export { type DefaultConfig, writeDefaultConfig } from './default-config.ts'
export {
  fallbackWarning,
  type LoadedSources,
  loadSources,
  readLastGood,
  saveLastGood,
} from './last-good.ts'
export * from './options.ts'
export { type ReadSecrets, readSecrets, Secrets } from './secrets.ts'
export type { ConfigSources, SourceLimits, SourceOption, SourceSection } from './sources.ts'
