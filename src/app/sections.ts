// Every section of moonraker.conf with its options, for documents and for the inspection of a configuration.
import { componentTypes } from '../components/index.ts'
import type { SectionOptions } from '../config/index.ts'
import { databaseOptions, secretsOptions } from './deprecated-paths.ts'
import { loadAll } from './load-components.ts'
import { serverOptions } from './server-section.ts'

/** A section as declared. */
export interface DeclaredSection {
  /** As between the brackets; `webcam NAME` for sections that have a name of their own. */
  readonly name: string
  readonly options: SectionOptions
  /** Further options by the value of the option `type`. */
  readonly byType: Readonly<Record<string, SectionOptions>>
}

/** The options that the server itself reads, before there are components. */
const CORE_SECTIONS: Readonly<Record<string, SectionOptions>> = {
  server: serverOptions,
  secrets: secretsOptions,
  database: databaseOptions,
}

/** Every section, those that are always there first. */
export async function knownSections(): Promise<DeclaredSection[]> {
  const types = await loadAll(componentTypes)
  const declared = [
    ...Object.entries(CORE_SECTIONS).map(([name, options]) => ({ name, options, byType: {} })),
    ...types.flatMap(({ section, options, named }) => [
      { name: section, options, byType: {} },
      ...(named === null
        ? []
        : [{ name: `${section} NAME`, options: named.options, byType: named.byType ?? {} }]),
    ]),
  ]
  const sections = new Map<string, DeclaredSection>()
  for (const { name, options, byType } of declared) {
    const known = sections.get(name)?.options
    sections.set(name, { name, options: { ...known, ...options }, byType })
  }
  return [...sections.values()]
}

/** Every section that has options, those that are always there first. */
export async function declaredSections(): Promise<DeclaredSection[]> {
  return (await knownSections()).filter(({ options }) => Object.keys(options).length > 0)
}
