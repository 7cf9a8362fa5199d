import type { Bus, Following } from './bus.ts'
import type { LogMessage } from './follower.ts'

interface LogReadingOptions {
  /** Takes a message in hand; nobody waits for it once the reading has ended. */
  take(message: LogMessage): Promise<void>
  /** Whether more may be taken; asked again when `roomMade` is called. */
  hasRoom(): boolean
  /** Everything up to `position` was taken, and there is room. */
  moved?(): void
}

/** Reads the log from a sequence on, as far as there is room for what it holds. */
export class LogReading {
  readonly #o: LogReadingOptions
  readonly #following: Following
  #position: number
  #isEnded = false
  #roomy: () => void = () => {}

  constructor(bus: Pick<Bus, 'follow'>, after: number, options: LogReadingOptions) {
    this.#o = options
    this.#position = after
    this.#following = bus.follow(after, (message) => this.#take(message))
  }

  /** The sequence up to which everything was taken. */
  get position(): number {
    return this.#position
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  unread(): number {
    return this.#following.unread()
  }

  roomMade(): void {
    this.#roomy()
  }

  end(): void {
    this.#isEnded = true
    this.#roomy()
    void this.#following.stop()
  }

  async #take(message: LogMessage): Promise<void> {
    if (this.#isEnded) return
    await this.#o.take(message)
    if (this.#isEnded) return
    this.#position = message.sequence
    while (!this.#isEnded && !this.#o.hasRoom())
      await new Promise<void>((resolve) => {
        this.#roomy = resolve
      })
    if (!this.#isEnded) this.#o.moved?.()
  }
}
