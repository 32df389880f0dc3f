// The settings that the server gives the page of many printers.

/** The page's heading, and where its printers come from. */
export interface PageSettings {
  readonly title: string
  readonly source: 'workshop'
}
