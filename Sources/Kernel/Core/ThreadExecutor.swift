import Glibc
import Synchronization

/// A serial executor with a thread of its own, for actors that call blocking C functions.
///
/// The cooperative pool has one thread a core; a blocked libpq call there would stop the whole server. An actor whose
/// `unownedExecutor` is one of these blocks only itself. The thread ends when `stop()` is called.
///
/// Work that calls such an actor again and again may prefer the same thread (`withTaskExecutorPreference`): its calls then
/// cost no change of thread.
package final class ThreadExecutor: SerialExecutor, TaskExecutor, @unchecked Sendable {
  // Unchecked: the mutable state is guarded by `mutex`, and the condition variables need a stable address.
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let wake = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var queue: [UnownedJob] = []
  private var stopped = false

  /// - Parameter name: what the thread is for, named when none can be started.
  package init(name: String) {
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(wake, nil)
    var thread = pthread_t()
    let boxed = Unmanaged.passRetained(self)
    let status = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        Unmanaged<ThreadExecutor>.fromOpaque(argument).takeRetainedValue().run()
        return nil
      }, boxed.toOpaque())
    precondition(status == 0, "no thread could be started for \(name)")
    pthread_detach(thread)
  }

  deinit {
    pthread_cond_destroy(wake)
    pthread_mutex_destroy(mutex)
    wake.deallocate()
    mutex.deallocate()
  }

  package func enqueue(_ job: consuming ExecutorJob) {
    let unowned = UnownedJob(job)
    pthread_mutex_lock(mutex)
    queue.append(unowned)
    pthread_mutex_unlock(mutex)
    // After the unlock: a thread that wakes up does not have to wait for the mutex.
    pthread_cond_signal(wake)
  }

  package func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

  package func asUnownedTaskExecutor() -> UnownedTaskExecutor { UnownedTaskExecutor(ordinary: self) }

  /// Ends the thread once its queue is empty.
  package func stop() {
    pthread_mutex_lock(mutex)
    stopped = true
    pthread_cond_signal(wake)
    pthread_mutex_unlock(mutex)
  }

  private func run() {
    while true {
      pthread_mutex_lock(mutex)
      while queue.isEmpty && !stopped { pthread_cond_wait(wake, mutex) }
      let jobs = queue
      queue.removeAll(keepingCapacity: true)
      pthread_mutex_unlock(mutex)
      if jobs.isEmpty { return }
      for job in jobs {
        job.runSynchronously(isolatedTo: asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
      }
    }
  }
}
