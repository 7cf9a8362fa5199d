import { X509Certificate } from 'node:crypto'
import { unwatchFile, watchFile } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createSecureContext, type Server } from 'node:tls'
import type { Log } from './log.ts'

export interface TlsFiles {
  certFile: string
  keyFile: string
}

export interface Certificate {
  cert: Buffer
  key: Buffer
}

/** How often the files are looked at for a renewed certificate. */
const LOOK_MS = 5000

/** Reads certificate and key, in PEM; throws an error that names the variable where they cannot be used. */
export async function readCertificate({ certFile, keyFile }: TlsFiles): Promise<Certificate> {
  const [cert, key] = await Promise.all([read('PERMEA_TLS_CERT', certFile), read('PERMEA_TLS_KEY', keyFile)])
  try {
    createSecureContext({ cert })
  } catch (error) {
    throw new Error(`PERMEA_TLS_CERT: ${certFile} is no certificate in PEM form (${(error as Error).message})`)
  }
  try {
    createSecureContext({ cert, key })
  } catch (error) {
    throw new Error(`PERMEA_TLS_KEY: ${keyFile} is not the key of ${certFile} (${(error as Error).message})`)
  }
  return { cert, key }
}

async function read(name: string, file: string): Promise<Buffer> {
  return readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${name}: ${file} cannot be read (${error.code ?? error.message})`)
  })
}

/**
 * Takes a renewed certificate into use without a start: connections that are open keep the old one. What cannot be used,
 * such as a new certificate whose key is not written yet, is logged, and the old one stays.
 */
export function keepCertificateCurrent(server: Server, files: TlsFiles, log: Log, lookMs = LOOK_MS): () => void {
  const paths = [files.certFile, files.keyFile]
  const renew = async () => {
    try {
      server.setSecureContext(await readCertificate(files))
      log.info({ file: files.certFile }, 'a renewed certificate is in use')
    } catch (error) {
      log.error({ message: (error as Error).message }, 'the renewed certificate cannot be used: the old one stays')
    }
  }
  const onChange = () => void renew()
  for (const file of paths) watchFile(file, { interval: lookMs, persistent: false }, onChange)
  return () => {
    for (const file of paths) unwatchFile(file, onChange)
  }
}

/** The certificates that a file has, each as PEM; rejects with a message that names the file. */
export async function readCertificates(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new Error(`${file} cannot be read: ${error.message}`)
  })
  const found = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  if (found.length === 0) throw new Error(`${file} has no certificate (-----BEGIN CERTIFICATE-----) in it`)
  for (const each of found) {
    try {
      new X509Certificate(each)
    } catch (error) {
      throw new Error(`${file} has a certificate that cannot be read: ${(error as Error).message}`)
    }
  }
  return found
}
