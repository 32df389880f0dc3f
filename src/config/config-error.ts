// What is wrong with the configuration, and where.

/** The place of an error, as far as known. `file` is relative to the folder of moonraker.conf. */
export interface ConfigPlace {
  readonly file?: string | undefined
  readonly line?: number | undefined
  readonly section?: string | undefined
  readonly option?: string | undefined
}

/** A configuration that cannot be used. The message names the place, the value and what to do. */
export class ConfigError extends Error {
  readonly place: ConfigPlace

  constructor(problem: string, place: ConfigPlace = {}) {
    super(`${placePrefix(place)}${problem}`)
    this.name = 'ConfigError'
    this.place = place
  }
}

function placePrefix({ file, line }: ConfigPlace): string {
  if (file === undefined) return ''
  return line === undefined ? `${file}: ` : `${file}, line ${line}: `
}
