// Configurations for tests, from their text.
import assert from 'node:assert/strict'
import { ConfigError } from '../../src/config/config-error.ts'
import { Configuration } from '../../src/config/index.ts'
import { readSources } from '../../src/config/sources.ts'
import { Folder } from './folder.ts'

/** A configuration with `text` in moonraker.conf, and `more` files by name; the data folder is /data. */
export function configuration(text: string, more: Record<string, string> = {}): Configuration {
  using folder = new Folder({ 'moonraker.conf': text, ...more })
  return new Configuration(readSources(folder.at('moonraker.conf')), '/data')
}

/** The error that `read` throws. */
export function refused(read: () => unknown): ConfigError {
  try {
    read()
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error))
    return error
  }
  throw new assert.AssertionError({ message: 'nothing was refused' })
}
