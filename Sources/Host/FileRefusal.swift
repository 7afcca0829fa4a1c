package import SystemPackage

/// Why a file or folder is left untouched, or cannot be opened.
package struct FileRefusal: Error, Hashable, Sendable {
  package enum Reason: Hashable, Sendable {
    /// The system said no.
    case system(Errno)
    /// A symbolic link where a file or a folder of ours should be.
    case link
    /// A pipe, a device or a socket that is not the user's own.
    case special
    /// A folder where a file should be.
    case folder
    /// A file of another user, by number.
    case foreign(UInt32)
    /// A secret would lie in a folder of another user, who can replace every file in it.
    case foreignFolder(UInt32)
    /// A secret would lie in a folder where everybody can replace every file.
    case openFolder
  }

  /// The path, as it was given.
  package var path: String
  /// What is wrong with it.
  package var reason: Reason

  package init(_ path: String, _ reason: Reason) {
    self.path = path
    self.reason = reason
  }

  /// What was found, to be put after the path.
  package var message: String {
    switch reason {
    case .system(let error): "cannot be written: \(error)"
    case .link: "is a link, and what it leads to is not touched"
    case .special: "is a pipe, a device or a socket of another user"
    case .folder: "is a folder"
    case .foreign(let owner): "belongs to another user (\(owner)), and is not replaced"
    case .foreignFolder(let owner):
      "is in a folder of another user (\(owner)), who could read or replace what holds secrets"
    case .openFolder: "is in a folder where every user can replace what holds secrets"
    }
  }

  /// The system's word for it.
  package var errno: Errno {
    switch reason {
    case .system(let error): error
    case .link: .tooManySymbolicLinkLevels
    case .folder: .isDirectory
    case .special, .foreign, .foreignFolder, .openFolder: .notPermitted
    }
  }

  /// What to do about it.
  package var help: String? {
    switch reason {
    case .system: nil
    case .link: "give the path that it leads to, or remove the link"
    case .special, .foreign: "choose another name, or remove it"
    case .folder: "name a file in it"
    case .foreignFolder, .openFolder: "write to a folder of your own, or to standard output"
    }
  }
}
