// What the process prints for the terminal, or for the service manager that keeps it.

/**
 * Writes `text` to a stream of the process. A print must not end when the terminal closes that started the server, so errors
 * are ignored. Node opens a stream when it is first used, which a start does after the first answer.
 */
function write(stream: NodeJS.WriteStream, text: string): void {
  if (stream.listenerCount('error') === 0) stream.on('error', () => undefined)
  stream.write(text)
}

/** Prints `text` as it is, without a line break. */
export function print(text: string): void {
  write(process.stdout, text)
}

/** Prints `text` as it is to the stream for errors. */
export function printError(text: string): void {
  write(process.stderr, text)
}
