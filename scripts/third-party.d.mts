// The types of third-party.mjs, for scripts and tests in TypeScript.

/** Something that a build or an image contains. */
export interface ThirdParty {
  readonly name: string
  readonly version: string
  /** An SPDX expression. */
  readonly licence: string
  /** A package URL. */
  readonly purl: string
}

/** A component of an SBOM, in the form of CycloneDX. */
export interface Component {
  readonly name: string
  readonly version: string
  readonly purl: string
  readonly licenses: readonly { readonly expression: string }[]
}

export const LICENCES: string
export const SBOM: string
export function sbom(components: readonly Component[]): string
export function identifyPackage(folder: string): ThirdParty
export function component(part: ThirdParty): Component
