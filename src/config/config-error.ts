// What is wrong with the configuration, and where.

/** Where an error stands; each part as far as it is known. `file` is named as a person would: relative to moonraker.conf. */
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
