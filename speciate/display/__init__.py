"""What commands draw on a terminal: tables, trees and pictures of text."""
